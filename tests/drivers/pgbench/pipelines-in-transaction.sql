\set number random(1, 1000)
begin;
select pg_backend_pid() as before \gset
\startpipeline
select :number + 1;
select :number + 2;
select :number + 3;
\endpipeline
select pg_backend_pid() as after \gset
\if :before <> :after
select 1 / 0;
\endif
end;
