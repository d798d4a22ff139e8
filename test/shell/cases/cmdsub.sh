echo "$(echo a)" $(echo b c) `echo d`; x=$(false); echo $?; x=$(exit 3) y=1; echo $?; echo "[$(printf 'a\n\n\n')]" ; printf '[%s]' "$(printf '\n\na\n')"; echo; echo $(echo "x   y") "$(echo "x   y")"
v=$(f() { echo fn; }; f); echo $v; echo $(cd /; pwd) ; pwd | sed 's/.*/P/'; x=5; y=$(x=6; echo $x); echo $x $y; echo $( (echo sub) ) $(echo $(echo $(echo deep))); echo "$(echo "a b" | while read p q; do echo "$q"; done)"
a=$(cat <<E
heredoc
E
); echo $a; echo $(case x in x) echo inca;; esac); echo $(echo one; echo two) "$(echo one; echo two)"; n=$(wc -l < /dev/null); echo $n; b=$(< /dev/null); echo "[$b]"; echo hello > ff; c=$(< ff); echo "$c"; rm ff; d=$(<nofile); echo "st $?"
echo "pid same: $([ $$ = $(echo $$) ] && echo yes) $BASH_SUBSHELL $(echo $BASH_SUBSHELL) $( (echo $BASH_SUBSHELL) )"; echo $(echo \$x) $(echo '$x') "`echo \\$x`" `echo \$x`; set -- a b; echo $(echo $# $1); false; echo $(echo $?); z=$(return 2>/dev/null; echo r); echo "$z"; echo $(trap 'echo exiting' EXIT; echo body)
echo $(echo -e 'a\tb') | cat -A; echo "$(printf '%s\n' 'it'"'"'s')"; echo $(set -e; false; echo no) after; set -e; x=$(false; echo survived); echo $x; x=$(false) || echo caught; y=$(exit 4) && echo no || echo "or $?"; echo $(false) still; local_test() { local v=$(false); echo "local masks $?"; }; local_test; x=$(exit 7); echo notreached
