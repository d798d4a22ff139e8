s="it's \"q\" \$x"; echo "${s@Q}"; n=$'a\nb\tc'; echo "${n@Q}" ; echo "${n@E}"
e='a\tb\n'; echo "${e@E}"
declare -i int=5; declare -r ro=x; declare -x ex=y; a=(1 2 "3 4"); declare -A m=([k]=v)
echo "${int@a} ${ro@a} ${ex@a} ${a@a} ${m@a} [${s@a}]"
echo "${int@A}"; echo "${s@A}"; echo "${a[@]@A}"; echo "${m[@]@A}"
echo "${a[@]@Q}" "${a[@]@K}" ; echo "${m[@]@K}" ; echo "${a[*]@k}"
set -- "a b" c; echo "${@@Q}" "${*@Q}"
ps='\u@\h \$ '; echo "${ps@P}" | sed 's/@.* /@H /'
echo "[${nosuch@Q}]"
