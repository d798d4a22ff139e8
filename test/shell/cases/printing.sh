f() { echo a; echo b && echo c || echo d; if true; then echo x; elif false; then echo y; else echo z; fi; for i in 1 2 "3 4"; do echo $i; done; while read x; do echo $x; done < /dev/null; case $1 in a|b) echo ab;; *) echo other;; esac; }
declare -f f
g() { local x=1; { echo grp; }; (echo sub; echo two); [[ -n $x && $x == 1* ]] && ((x++)); for ((i=0;i<3;i++)); do :; done; until false; do break; done; cat <<E
heredoc $x
E
echo after > /dev/null 2>&1; a=(1 2); echo ${a[@]} | tr a b | cat & wait; }
declare -f g
h() (echo subshell body)
declare -f h
k() { :; } >/dev/null 2>&1
declare -f k
function l { echo kw; time true; ! false; coproc cat; }
declare -f l
m() { n() { echo inner; }; n; select x in a b; do break; done; echo $(echo cs; echo cs2) `bt`; }
declare -f m
o() if true; then echo o; fi
declare -f o; type o | head -3
p() { case x in x) ;; y) echo y ;& z) echo z ;;& *) ;; esac; echo "multi
line"; x=1 y=2 cmd arg; : <<<"here" 3>&1 <&0 >>f &>g 2>&-; }
declare -f p
sleep 2 & { sleep 2; echo x; } & (sleep 2) & if true; then sleep 2; fi & for i in 1; do sleep 2; done & while false; do :; done & f1() { sleep 2; }; f1 & sleep 2 | cat & ! sleep 2 & [[ -n x ]] && sleep 2 &
sleep 0.3; jobs; kill %1 %2 %3 %4 %5 %7 %8 2>/dev/null; wait 2>/dev/null
