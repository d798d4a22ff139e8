a=(one "two three" four); echo ${a[0]} "${a[1]}" ${a[-1]} ${#a[@]} ${#a[1]} "${a[@]}" ; a[5]=six; echo ${!a[@]} ${#a[@]} "${a[*]}"
a+=(seven "eight nine"); echo ${!a[@]}; unset 'a[1]'; echo ${!a[@]}; a[0]+=X; echo $a ${a}; b=("${a[@]}"); echo ${!b[@]}
c=([3]=x [1]=y z); echo ${!c[@]} ${c[@]}; d=(); echo ${#d[@]} "[${d[@]}]" "[${d[*]}]"; d[2]=q; echo ${#d[@]} "${d[0]-unset}"
for e in "${b[@]}"; do echo "e:$e"; done; for i in "${!c[@]}"; do echo "$i=${c[i]}"; done
s=scalar; echo ${s[0]} ${#s[@]} ${s[@]}; s[1]=more; echo ${s[@]}; declare -p s; unset s; declare -a s; declare -p s; s=(); declare -p s
x=(a b c); x=("${x[@]:1}"); echo "${x[@]}"; x=("new" "${x[@]}"); echo ${x[@]}; echo ${x[@]: -1} ${x[${#x[@]}-1]}; x[-1]=last; echo ${x[@]}
f() { local -a loc=("$@"); echo ${#loc[@]} "${loc[1]}"; }; f "a b" "c d" e
readarray -t lines < <(printf 'l1\nl 2\nl3\n'); echo ${#lines[@]} "${lines[1]}"; mapfile -t -n 2 -s 1 m <<< $'a\nb\nc\nd'; echo "${m[@]}"
mapfile z <<< $'p\nq'; printf '%q ' "${z[@]}"; echo; IFS=, ; echo "${x[*]}"; unset IFS; y=(${s[@]} $(echo p q)); echo ${#y[@]}
a=(5 3 1); IFS=$'\n' sorted=($(sort -n <<< "${a[*]}")); unset IFS; echo "${sorted[@]}"
declare -p a sorted; echo "${a[@]+set}" "${nope[@]+set}"; a=([2]+=5 [0]=1); declare -p a; a[99999]=z; echo ${#a[@]} ${!a[@]}
echo ${a[1+1]} "${a["0"]}" ; n=0; echo ${a[n]} ${a[$n]}; unset a; echo ${#a[@]}; a[]=x; echo "st $?"
