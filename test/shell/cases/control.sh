if true; then echo t; fi; if false; then echo x; elif true; then echo elif; else echo no; fi; if ! false; then echo neg; fi; if (exit 3); then :; else echo $?; fi
i=0; while [ $i -lt 5 ]; do i=$((i+1)); [ $i -eq 2 ] && continue; [ $i -eq 4 ] && break; echo $i; done; echo "st $?"; until ((i<=0)); do ((i--)); done; echo $i
for a in 1 2 3; do for b in x y z; do [ $b = y ] && continue 2; [ $a = 3 ] && break 2; echo $a$b; done; done; for x in; do echo never; done; echo $?; for x in a; do false; done; echo $?
case abc in a*) echo a;; b*) echo b;; esac; case x in y|x) echo or;; esac; case z in a) ;; *) echo def;; esac; case "a b" in "a b") echo sp;; esac; case n in a);; esac; echo $?
case a in a) echo 1;& b) echo 2;; c) echo 3;; esac; case ab in a*) echo 1;;& *b) echo 2;;& c) echo 3;; *) echo 4;; esac; case '*' in \*) echo star;; esac; case "[x]" in "[x]") echo br;; esac
v='a*'; case 'abc' in $v) echo pat;; esac; case 'abc' in "$v") echo lit;; *) echo notlit;; esac; case 5 in [0-9]) echo digit;; esac; case foo in (foo) echo paren;; esac; case é in ?) echo one;; esac
true && echo a || echo b; false && echo a || echo b; true || echo no; false || false; echo $?; { echo g; false; }; echo $?; (echo s; exit 4); echo $?; ! true; echo $?
while read x; do echo "r$x"; done < <(echo 1; echo 2); while :; do break; done; for i in 1 2; do :; done; echo $i; while false; do :; done; echo $?
break 2>&1; echo "b $?"; continue; echo "c $?"; for i in 1 2 3; do echo $i; break 5; done; f() { break; echo infunc; }; for i in 1 2; do f; echo $i; done
if [ a = a ] && [ b = b ]; then echo both; fi; if [[ a == b || b == b ]]; then echo either; fi; if { true; false; }; then echo x; else echo y; fi; [ -z "" ] && [ -n x ] && echo zn; for ((i=3;i;i--)) { echo -n $i; }; echo
