echo a
echo "unterminated
echo b
