s="hello World"
echo "${s^}" "${s^^}" "${s,}" "${s,,}" "${s^^[ol]}" "${s^[a-g]}" "${s~~}" "${s~}"
a=(one two Three); echo "${a[@]^}" "${a[@]^^}" "${a[@],,}"
echo "${s@U}" "${s@u}" "${s@L}"
declare -u up=MixedCase; declare -l low=MixedCase; echo $up $low; up=again; low=AGAIN; echo $up $low
