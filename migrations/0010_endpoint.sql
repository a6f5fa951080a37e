-- Where other nodes call a node, host:port; empty for one that cannot be called, which is watched by
-- its lease alone.
ALTER TABLE node ADD COLUMN endpoint text NOT NULL DEFAULT '';
