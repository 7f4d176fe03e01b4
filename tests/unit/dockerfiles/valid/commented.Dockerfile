#######################
# prod serves users.
#######################
FROM scratch AS prod
# unrelated line
# test runs the tests
# more about it
FROM scratch AS test
#nospace builds
FROM scratch AS nospace
# TEST2 is not the lower-case name
FROM scratch AS TEST2
# test3 keeps the lower-case name
FROM scratch AS TEST3
RUN true \
# dev4 stands in a continuation
 && true
FROM scratch AS dev4
