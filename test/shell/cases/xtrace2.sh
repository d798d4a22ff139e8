PS4='+ '
set -x
if [[ -f /nofile || ! -d /tmp ]]; then echo no; elif ((1 > 2)); then :; else echo else; fi
for ((i=0; i<2; i++)); do : $i; done
while read -r a b; do echo "$a-$b"; done <<< "x y"
case foo in f*) echo m;; esac
v=$(echo nested $(echo deep))
arr=(a "b c" $v); arr[3]=z; declare -A m=([k]=v); m[q]=1
f() { local x=$1; return $x; }
f 3 || echo "rc $?"
(echo sub; exit 2) || true

: ${unset:=assigned}
eval 'echo evaled "$v"'
export X=1 Y="a b"; readonly R=2; unset X
[ "$v" = x ] || [ -n "$v" ]
let i=1+1; echo $i >/dev/null
printf '%s\n' 'it'"'"'s' "tab	x" ''
trap 'echo bye' EXIT; X=1 Y='p q' env -i true
select s in a; do break; done <<< 1 2>/dev/null
{ echo grp; } 2>&1; ! false; true & wait
source /dev/null; x+=app; ((i+=5)) ; [[ abc =~ ^a(b)c$ ]]; echo ${BASH_REMATCH[1]}
set +x
