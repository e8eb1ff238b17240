-- Version 4: how the cardholder was verified. A payment of an earlier version says nothing of it.

ALTER TABLE transactions ADD COLUMN verification TEXT CHECK (verification IN
    ('none', 'signature', 'offline_pin', 'offline_pin_and_signature', 'online_pin', 'failed', 'not_performed'));
