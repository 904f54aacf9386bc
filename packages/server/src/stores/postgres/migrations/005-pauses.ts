/** Why a queue is paused, what was said to what is in the audit log, and when a channel was told of an alert last. */
export const pausesMigration = `
-- All three are null where a queue is not paused, or was paused before there was anything to note.
ALTER TABLE tasklane.queues ADD COLUMN paused_at bigint;
ALTER TABLE tasklane.queues ADD COLUMN paused_by text COLLATE "C";
ALTER TABLE tasklane.queues ADD COLUMN pause_reason text COLLATE "C";

-- A node of an earlier version may run beside this one. It resumes without a word of these columns: what was said of this
-- pause must not be told of the next.
CREATE FUNCTION tasklane.forget_pause() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  NEW.paused_at := NULL;
  NEW.paused_by := NULL;
  NEW.pause_reason := NULL;
  RETURN NEW;
END $$;
CREATE TRIGGER queues_resumed BEFORE UPDATE ON tasklane.queues FOR EACH ROW
  WHEN (NOT NEW.is_paused AND NEW.paused_at IS NOT NULL) EXECUTE FUNCTION tasklane.forget_pause();

ALTER TABLE tasklane.audit ADD COLUMN reason text COLLATE "C";

-- By channel, as JSON: when it was told last, and how often it was reminded.
ALTER TABLE tasklane.alerts ADD COLUMN tellings text COLLATE "C";
`
