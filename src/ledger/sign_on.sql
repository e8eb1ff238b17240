-- Version 5: whether the terminal has the working keys of its host, and since when.

CREATE TABLE sign_on (
    id  INTEGER PRIMARY KEY CHECK (id = 1),
    -- The next request to the host must be for keys.
    due INTEGER NOT NULL CHECK (due IN (0, 1)),
    -- Local time of the last one that brought keys.
    at  TEXT
) STRICT;

INSERT INTO sign_on (id, due, at) VALUES (1, 1, NULL);
