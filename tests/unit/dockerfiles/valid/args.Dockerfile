ARG A=1 B=two C
ARG D=${A-unset}-${C:-none}
ARG E='single $A' F="double $A"
ARG REGISTRY=registry.example/team/
FROM ${REGISTRY}app:$A AS a
FROM x${D} AS b
FROM ${B:+plus}${A+set}y AS c
FROM img:${B?must}-${A:?must} AS d
FROM img:"q-$A"'-'x AS e
FROM ${C:-${B:-deep}} AS f
FROM --platform=linux/arm64 $TARGETARCH AS g
FROM a AS h
FROM a AS a
FROM a
