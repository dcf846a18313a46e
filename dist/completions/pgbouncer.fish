# Completion for fish: options of pgbouncer and fastpool, users after -u, ini files.
for program in pgbouncer fastpool
    complete -c $program -f
    complete -c $program -k -a '(__fish_complete_suffix .ini)'
    complete -c $program -s d -l daemon -d 'Run in the background'
    complete -c $program -s q -l quiet -d 'Write nothing to standard error'
    complete -c $program -s R -l reboot -d 'Take over from the running process'
    complete -c $program -s u -l user -x -a '(__fish_complete_users)' -d 'Become this user'
    complete -c $program -s v -l verbose -d 'Log more'
    complete -c $program -s V -l version -d 'Print the versions'
    complete -c $program -s h -l help -d 'Print a short help'
end
complete -c fastpool -n __fish_is_first_token -a mkauth -d 'Write a userlist from a server'
complete -c fastpool -n __fish_is_first_token -a check -d 'Look whether a file is sound'
complete -c fastpool -n '__fish_seen_subcommand_from mkauth check' -F
