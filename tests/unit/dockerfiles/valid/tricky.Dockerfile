# escape=`
# A comment far above describes nothing.

ARG VERSION=3.13
ARG BASE=python:${VERSION}-slim
arg EMPTY
# base holds what all stages share.
# hadolint ignore=DL3006
from --platform=$BUILDPLATFORM ${BASE:-unused} as Base
ONBUILD RUN echo from a trigger
run echo one && `
    # a comment inside
    
    echo FROM not-a-stage `
    && echo done
WORKDIR C:\

# This block describes nothing: an empty line follows.

FROM base AS second
RUN <<ONE cat && <<-'TWO' cat
FROM in-the-first-heredoc
# not a comment
ONE
FROM in-the-second
	TWO
COPY <<"A" <<B /files/
FROM a `
A
FROM b
B
ONBUILD COPY <<EOF /c
FROM c
EOF
RUN echo "<<EOF is text"
FROM ${EMPTY:-other}:${EMPTY:+x}1
	  # indented comment
FROM second
FROM "quoted/image" AS quoted
FROM SECOND AS last.one_2-x
CMD ["python", "-m", "x"]
