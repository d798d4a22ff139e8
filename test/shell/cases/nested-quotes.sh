x='a b'; echo "$(echo "$x" 'q"r' "s't")" "${x:+"in "quoted" $x"}" "${y:-"def "$x""}"; echo "a${x#"a "}b" "${x/"a b"/"c d"}" "${x/a b/c}" "$(echo "$(echo "$x")")" `echo "\`echo "$x"\`"`; v="it's"; echo "${v//\'/Q}" "${v//"'"/D}" ${v/\'/S}; w='"dq"'; echo "${w//\"/}" ${w#\"}; echo "${x:-$(echo "}")}" "${nope:-}}" "${nope:-{}" ; echo '${x}' "\${x}" \${x} "$'x'" $'\'' "\$x" '\$x'; printf '%s|' "a"'b'"c"d\ e $x"$x"'$x'; echo; echo "line1\
line2" 'l1\
l2'; echo $(( $(( 1 + 2 )) * "3" )) "$((x=3))$x"; z='*'; echo "$z" '*' "a*" \* | cat; e=''; echo ["$e"] [$e] [''"$e"] | cat -A; set -- "$e" '' a; echo $#; cat <<E
"dq" 'sq' \$x \\ $x "${x}" '$x' $(echo "in q" 'r s') `echo bt "x y"` ${nope:-"d q"} ${nope:-'s q'} \"
E
echo "$(cat <<'E'
raw $x "q" 'r' ) paren
E
)"; echo "${x@Q}" "${nope-\"esc\"}" "${nope-'sq'}" ${nope-'sq x'} ${nope-"dq x"} ${nope-a\ b}; arr=("a b" 'c"d' "e'f"); echo "${arr[@]}" "${arr[1]}" "${arr[2]/\'/_}"; echo "${#arr[0]}" "${arr[0]:1:1}x" "${!arr[@]}"; echo "a" "b"c"d" e; echo -e "t\\tn\\\\" 'single\tt'; IFS=:; p="a:b c:d"; echo $p "$p"; set -- $p; echo "$2"; unset IFS
