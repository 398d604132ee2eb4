-- Once, as the administrator of PostgreSQL: sudo -u postgres psql -v ON_ERROR_STOP=1 -f postgresql.sql
-- The system's user linyi comes in without a password, over the local socket alone ("peer").
-- CREATEDB: a backup is restored for trial into a database of its own, which then goes again.
CREATE ROLE linyi LOGIN NOSUPERUSER CREATEDB NOCREATEROLE;
CREATE DATABASE linyi OWNER linyi ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8' TEMPLATE template0;
REVOKE ALL ON DATABASE linyi FROM PUBLIC;
-- What is said to be received has reached the disk.
ALTER ROLE linyi SET synchronous_commit = 'on';
-- Nobody waits for ever: a lock held by something that hangs becomes a sentence on a page.
ALTER ROLE linyi SET lock_timeout = '10s';
ALTER ROLE linyi SET idle_in_transaction_session_timeout = '5min';
ALTER ROLE linyi SET timezone = 'UTC';
