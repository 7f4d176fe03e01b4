FROM scratch AS a
RUN echo \\
FROM scratch AS b
RUN echo \  
  more
FROM a
RUN ["sh", "-c", "cat <<EOF"]
FROM b
RUN echo $((1 << 2)) x<<y "<<EOF"
FROM b AS end
RUN true \