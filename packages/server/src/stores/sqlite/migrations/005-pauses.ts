/** Why a queue is paused, what was said to what is in the audit log, and when a channel was told of an alert last. */
export const pausesMigration = `
-- All three are null where a queue is not paused, or was paused before there was anything to note.
ALTER TABLE queues ADD COLUMN paused_at INTEGER;
ALTER TABLE queues ADD COLUMN paused_by TEXT;
ALTER TABLE queues ADD COLUMN pause_reason TEXT;

ALTER TABLE audit ADD COLUMN reason TEXT;

-- By channel, as JSON: when it was told last, and how often it was reminded.
ALTER TABLE alerts ADD COLUMN tellings TEXT;
`
