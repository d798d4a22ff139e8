unset u; e=; s=set
echo "[${u-a}] [${u:-b}] [${e-c}] [${e:-d}] [${s-x}] [${s:-y}]"
echo "[${u+a}] [${u:+b}] [${e+c}] [${e:+d}] [${s+x}] [${s:+y}]"
echo "[${u:=assigned}] [$u]"; unset u
echo "[${u:-"quoted  two"}] [${u:-$(echo cmd)}] [${u:-$((1+2))}] [${u-~}]"
echo ${u:-a   b} "${u:-a   b}" ${u:-"a   b"}
(echo ${u?custom message}; echo no); echo "status $?"
(echo ${e:?}; echo no); echo "status $?"
(echo ${u?}; echo no); echo "status $?"
set -- ; echo "[${1-none}] [${@-empty}] [${*:-star}]"
set -- "" ; echo "[${1-none}] [${1:-null}] [${@:-x}]"
a=(); echo "[${a[@]-noarr}] [${a[0]-nozero}]"
a=(""); echo "[${a[@]:-nullarr}] ${#a[@]}"
echo "${u:-'single'}" ${u:-'single  q'} "${u:-\"dq\"}" "${u:-}"
x='a b'; printf '<%s>' ${u:-$x} "${u:-$x}" ${u:-"$x" c}; echo
