echo out > f; cat f; echo more >> f; cat < f; echo err >&2 2>e; cat e; { echo a; echo b >&2; } > o 2>&1; cat o; { echo a; echo b >&2; } 2>&1 > o2; cat o2; echo both &> b; cat b; echo again &>> b; cat b
echo x 3> f3 >&3; cat f3; exec 4> f4; echo to4 >&4; exec 4>&-; cat f4; exec 5< f4; read l <&5; echo "read $l"; exec 5<&-; cat <&5; echo "st $?"; echo hi >&9; echo "st $?"
cat nofile; echo $?; cat < nofile; echo $?; echo x > /nodir/f; echo $?; echo x > /; echo $?; : > empty; [ -s empty ] || echo isempty; > created; [ -f created ] && echo made; set -C; echo y > f; echo $?; echo z >| f; cat f; set +C
exec {fd}> named; echo "fd set"; echo via >&$fd; exec {fd}>&-; cat named; while read l; do echo "L:$l"; done < named; if true; then echo inif; fi > ifout; cat ifout; for i in 1 2; do echo $i; done > forout; cat forout; f() { echo fn; echo fe >&2; }; f > fo 2>&1; cat fo
cat <<EOF
var $HOME $(echo cmd) $((1+1)) \$esc \\ "quoted" 'single' `echo bt`
EOF
cat <<'EOF'
raw $HOME $(echo no) \n
EOF
cat <<-EOF
	tab stripped
		two
	EOF
cat <<A; cat <<B
first
A
second
B
cat <<< "here string $((2*3))"; cat <<< 'a
b'; tr a-z A-Z <<< hello; x=$(cat <<E
in sub
E
); echo "$x"; cat << "Q" | tr r R
rrr $x
Q
echo 1 > m; echo 2 1<> m; cat m; exec 6<> m; read -u 6 z; echo "z=$z"; echo new >&6; exec 6>&-; cat m; echo a >&2 >/dev/null; ls /nonexist 2>/dev/null; echo $?; ls /nonexist 2>&1 | sed 's/.*: //'; x='a b'; echo q > $x; echo "st $?"; echo ok > "$x"; cat "a b"; rm -f "a b"
echo dup 2>&1 1>&2 | cat; (echo s1; echo s2 >&2) 2>/dev/null; { echo g; } 2>&- ; echo c 1>&-; echo "st $?"; cat 0< f; exec 3>&1; echo saved >&3; exec 1> cap; echo captured; exec 1>&3 3>&-; cat cap; rm -f f e o o2 b f3 f4 empty created named ifout forout fo m cap
