-- Version 9: the newest binding record that has counted, under which device key. The journal beside the identity says
-- it as well; what both say, nobody takes back by shortening one.

ALTER TABLE counters ADD COLUMN binding_key TEXT;
ALTER TABLE counters ADD COLUMN binding_version INTEGER CHECK ((binding_version IS NULL) = (binding_key IS NULL));
