-- One row, one commit: what one durable step costs at least.
INSERT INTO floor.mark DEFAULT VALUES;
