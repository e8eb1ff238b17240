-- Version 11: what a person looks for is found by an index, however many years of payments there are. Each holds the time
-- beside what is looked for, so that the newest come first without sorting.

CREATE INDEX transactions_by_time ON transactions (at);
CREATE INDEX transactions_of_stan ON transactions (stan, at);
CREATE INDEX transactions_of_amount ON transactions (amount, at);
CREATE INDEX transactions_of_last_four ON transactions (substr(truncated_pan, -4), at);
CREATE INDEX transactions_of_rrn ON transactions (rrn) WHERE rrn IS NOT NULL;
