-- The tables whose changes can be captured. Only their owner may add to a publication, so the connector does not make it.
-- A table without a primary key stays out: in a publication it would refuse the shop's own updates.
-- Tables that somebody else has added stay in.
DO $$
DECLARE
  new_table text;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'cdc_shop') THEN CREATE PUBLICATION cdc_shop; END IF;
  FOR new_table IN
    SELECT conrelid::regclass::text FROM pg_constraint
    WHERE contype = 'p' AND connamespace::regnamespace::text IN ('shop', 'cdc')
      AND conrelid NOT IN (SELECT prrelid FROM pg_publication_rel
                           WHERE prpubid = (SELECT oid FROM pg_publication WHERE pubname = 'cdc_shop'))
  LOOP
    EXECUTE 'ALTER PUBLICATION cdc_shop ADD TABLE ' || new_table;
  END LOOP;
END
$$;
