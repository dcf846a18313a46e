# Completion for bash: options of pgbouncer and fastpool, users after -u, ini files.
_pgbouncer() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} line
    COMPREPLY=()
    # --user=name is cut at the equals sign.
    if [[ $before == = && ${COMP_WORDS[COMP_CWORD - 2]} == --user ]] || [[ $before == -u || $before == --user ]]; then
        [[ $word == = ]] && word=
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -u -- "$word")
    elif [[ ${COMP_WORDS[1]} == @(mkauth|check) && $COMP_CWORD -gt 1 ]]; then
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$word")
        compopt -o filenames
    elif [[ $word == -* ]]; then
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -W '-d -q -R -u -v -V -h
            --daemon --quiet --reboot --user= --verbose --version --help' -- "$word")
        [[ ${COMPREPLY[0]-} == --user= ]] && compopt -o nospace
    else
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -X '!*.ini' -- "$word"; compgen -d -- "$word"
            [[ $COMP_CWORD -ne 1 || ${COMP_WORDS[0]##*/} != fastpool ]] || compgen -W 'mkauth check' -- "$word")
        compopt -o filenames
    fi
}
complete -F _pgbouncer pgbouncer fastpool
