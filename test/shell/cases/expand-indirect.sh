x=y; y=z; z=end; echo ${!x} ${!y}; ref='a[1]'; a=(p q r); echo ${!ref} 
ref='a[@]'; echo "${!ref}"; printf '<%s>' "${!ref}"; echo
n=2; set -- one two three; echo ${!n} ${!#}
echo ${!y*} ; abc1=1; abc2=2; echo "${!abc@}" ; for v in "${!abc@}"; do echo "$v=${!v}"; done
declare -n nr=z; nr=changed; echo $z ${!nr} $nr; declare -n arr=a; arr[1]=new; echo "${a[@]}" "${arr[@]}" ${#arr[@]}
f() { local -n out=$1; out="from f"; }; f result; echo "$result"
g() { declare -n r=$1; r+=("$2"); }; list=(); g list a; g list "b c"; echo "${#list[@]} ${list[1]}"
echo "${!nosuch}"; echo "st $?"
