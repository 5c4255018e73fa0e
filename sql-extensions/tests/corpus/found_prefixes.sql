SELECT B'a\''b', R"with ""q""", x'\''
