-- Version 4: how the cardholder was verified. A payment of an earlier version says nothing of it.

ALTER TABLE transactions ADD COLUMN verification TEXT CHECK (verification = 'none' OR verification = 'signature'
    OR verification = 'offline_pin' OR verification = 'offline_pin_and_signature' OR verification = 'online_pin'
    OR verification = 'failed' OR verification = 'not_performed');
