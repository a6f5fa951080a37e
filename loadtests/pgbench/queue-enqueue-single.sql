-- One job, one commit.
INSERT INTO floor.job (lane) VALUES (:client_id + 1);
