-- CallerIDs out of number pools, drawn for each call. A caller whose number is not among the valid ones gets another one.
alter table devices
  add column caller_id_pool_id integer references number_pools,
  add column valid_caller_ids_pool_id integer references number_pools,
  add column replacement_pool_id integer references number_pools,
  add constraint valid_caller_ids_need_a_replacement_pool check ((valid_caller_ids_pool_id is null) = (replacement_pool_id is null)),
  add constraint one_pool_of_caller_ids_or_the_other check (caller_id_pool_id is null or valid_caller_ids_pool_id is null);
alter table providers add column caller_id_pool_id integer references number_pools;
