-- How many owners of a run died, one after the other, since its last commit. Above 0 the run is on
-- probation: an owner takes one such run at a time.

ALTER TABLE runs ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;
