-- A thousand jobs in one commit.
INSERT INTO floor.job (lane) SELECT 1 + n % 64 FROM generate_series(1, 1000) AS n;
