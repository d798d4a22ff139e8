echo 'a"b' "a'b" a\'b "a\"b" 'a\nb' "a\nb" "\$x \\ \`" $'tab\there' $'q\'s' $'\x41\101\u263a\e[0m' | cat -v
echo "multi
line" 'single
line' con\
tinued "con\
tinued"
echo a\ b "a b"'c d'e\ f; echo \a\b \\ "\a" ; echo "$(echo "nested "quotes"")" "`echo back \`echo tick\``"
x=5; echo "${x}y" '${x}' \$x "$x"'$x'"$x" "a${x}b$((x+1))c$(echo d)e"
echo "a  b"   c ; echo '' "" x''y; printf '[%s]' "" '' x""; echo
echo $'a\cAb' | cat -A; echo $"locale" ; echo 'it'"'"'s'
echo "back\\slash" "new\\nline" "tick\`" "bang!" ; echo -e "e\tx\\n\x41\0101"
echo "${x:+"in quotes"}" "${x:+'sq'}" ${x:+'sq  x'}
