// Stands here until the module has files.
