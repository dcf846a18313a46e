\set number random(1, 1000)
select :number as same \gset
select :number * 2 as twice \gset
begin;
select length(repeat('x', :number)) as length \gset
commit;
\if :same <> :number or :twice <> 2 * :number or :length <> :number
select 1 / 0;
\endif
