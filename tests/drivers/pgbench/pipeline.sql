\set one random(1, 1000)
\set two random(1, 1000)
\startpipeline
select :one + 0 as one;
begin;
select :two + 0 as two;
select pg_backend_pid();
commit;
select :one::int + :two::int;
\endpipeline
