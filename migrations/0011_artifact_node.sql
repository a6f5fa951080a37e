-- The node in whose folder an artifact's bytes lie, by its name; NULL where they lie in the table, and
-- where nothing tells.
ALTER TABLE artifact ADD COLUMN node text;
