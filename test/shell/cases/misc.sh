echo ${BASH_VERSION%%.*} ${BASH_VERSINFO[0]} $BASH_SUBSHELL $SHLVL $UID $EUID ${#RANDOM} $OSTYPE $HOSTTYPE $MACHTYPE ${BASH##*/} | sed 's/ [1-5] linux/ N linux/'; RANDOM=42; echo $RANDOM $RANDOM $RANDOM; echo $LINENO; f() { echo "$FUNCNAME $LINENO ${BASH_LINENO[0]} ${BASH_SOURCE[0]}"; }; f
echo $_; true x y; echo $_; echo $$ | grep -qE '^[0-9]+$' && echo pid; echo "$0" "$#"; (echo $BASHPID | grep -q . && [ $BASHPID != $$ ] && echo diff); umask; umask 077; umask; umask -S; umask u=rwx,g=rx,o=; umask; umask 022; ulimit -n > /dev/null && echo ul; times | head -1 | grep -c s; caller; echo $?; cf() { caller; caller 0; }; cf; true & wait $!; [ -n "$!" ] && echo bgpid; set -- a; echo $-  | grep -o h; eval; echo $?; eval "echo 'a  b'" c; eval 'x=5; echo $x'; e='echo "nested $x"'; eval $e; eval "$e"; source /dev/stdin <<< 'echo sourced $1' ; cat > lib.sh <<'E'
lib() { echo "lib $1 ${BASH_SOURCE[0]} $LINENO"; }
echo "args $# $1 src ${BASH_SOURCE[0]} line $LINENO"
return 3
echo no
E
set -- outer; . ./lib.sh; echo $?; source ./lib.sh inner; echo $? $1; lib x; PATH=.:$PATH; . lib.sh z; echo 'nosuchcmd
false' > l2.sh; . ./l2.sh; echo $?; bash l2.sh; echo $?; bash -c 'echo $0 $1 $#' name arg1 arg2; bash -s a b <<< 'echo $1 $2'; echo 'echo stdin script $#' | bash; echo 'read x; echo "x=$x"
input line' | bash; bash -x -c 'echo t' 2>&1; bash -ec 'false; echo no'; echo $?; sh -c 'echo sh $0'; bash --version | head -1; bash -o pipefail -c 'false | true'; echo $?; bash +e -c 'echo plus'; bash -Z 2>&1 | head -1; bash -c; echo $?; bash -u -c 'echo $x; echo no'; echo $?; bash -c 'exit 300'; echo $?; bash -c 'exit -1'; echo $?; bash -c 'exit abc'; echo $?; bash -c 'echo $-' | tr -d hBc; exec 3>&1; bash -c 'echo via3 >&3'; env -i bash -c 'echo "[$HOME]" $PATH'; X=1 bash -c 'echo $X'; (exit 3); echo $?; rm lib.sh l2.sh; exit 260
