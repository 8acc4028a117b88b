-- Two logins besides the owner: cdc reads changes, shop_reader serves the API. Their passwords are filled in.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cdc') THEN CREATE ROLE cdc; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'shop_reader') THEN CREATE ROLE shop_reader; END IF;
END
$$;
ALTER ROLE cdc LOGIN REPLICATION PASSWORD {cdc_password};
ALTER ROLE shop_reader LOGIN PASSWORD {reader_password};
ALTER ROLE shop_reader SET default_transaction_read_only = on;
ALTER ROLE shop_reader SET statement_timeout = '10s';
GRANT USAGE ON SCHEMA shop TO cdc, shop_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO cdc, shop_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO cdc, shop_reader;
GRANT USAGE ON SCHEMA cdc TO cdc;
GRANT SELECT, INSERT, UPDATE ON cdc.heartbeat TO cdc;
GRANT SELECT, INSERT ON cdc.signals TO cdc;
