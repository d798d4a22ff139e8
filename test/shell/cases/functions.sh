f() { echo "args $# $1 ${*}"; return 7; }; f a "b c"; echo $?; function g { echo g $FUNCNAME; }; g; function h() { echo h; }; h
outer() { local v=outer; inner; echo "outer sees $v"; }; inner() { echo "inner sees $v"; v=changed; }; outer; echo "[${v-unset}]"
fact() { (( $1 <= 1 )) && { echo 1; return; }; echo $(( $1 * $(fact $(( $1 - 1 ))) )); }; fact 6
r() { return; }; false; r; echo $?; r2() { false; }; r2; echo $?; ret() { return 256; }; ret; echo $?; ret3() { return -1; }; ret3; echo $?
loc() { local a=1 b c="x y"; echo "$a [$b] $c"; unset a; echo "[${a-unset}]"; }; a=glob; loc; echo $a; shadow() { local a; echo "[${a-unset}]"; a=2; sub; }; sub() { unset a; echo "[${a-unset}]"; }; shadow; echo $a
up() { unset a; a=new; }; call() { local a=local; up; echo "call $a"; }; call; echo $a; a=glob
type f | head -3; declare -f g; unset -f g; g 2>/dev/null || echo nog; f() ( cd /; x=sub; pwd ); x=main; f; echo $x; pwdf() { pwd; }
st() { echo "${FUNCNAME[@]} / ${#BASH_LINENO[@]}"; }; st2() { st; }; st2; k() { echo in >&2; } 2>&1; k | cat; rd() { cat; } <<< "here"; rd
args() { for a in "$@"; do echo "<$a>"; done; shift; echo "$# $1"; set -- new; echo $1; }; args "1 1" 2 3; echo "$#"
f1() { f2() { echo nested; }; f2; }; f1; f2; vf() { local -r x=1; x=2; echo no; }; vf; echo "st $?"; local q=1; echo "st $?"
if f1 >/dev/null; then echo ok; fi; ! r2; echo $?; rec() { (( n++ < 3 )) && rec; echo "n$n"; }; n=0; rec; e() { echo "$@"; }; e -n x; e; "f1"; n-ame() { echo dash; }; n-ame; a.b() { echo dot; }; a.b
