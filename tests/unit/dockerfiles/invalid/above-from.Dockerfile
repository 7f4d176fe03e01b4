ARG A
RUN true
FROM scratch
