# In development a program of a package serves, such as `next dev` or `nest start --watch`: DEV_APP is its command line.

# dev serves the code and reloads it as the program does.
FROM source AS dev
EXPOSE $PORT
CMD ["sh", "-c", "exec ${DEV_APP:-$APP}"]

# debug serves the code like dev, with the inspector on port 9229: in the process that listens on the service's port, since
# package managers, reloaders and compilers are programs of Node.js, too. What runs before it listens is not debugged.
FROM source AS debug
COPY <<"EOF" /opt/inspect.cjs
const { Server } = require("node:net");
const inspector = require("node:inspector");
const [, brk, host, port] = /^--inspect(-brk)?=(.*):(\d+)$/.exec(process.env.INSPECT);
const { listen } = Server.prototype;
Server.prototype.listen = function (...args) {
  const wanted = args[0] !== null && typeof args[0] === "object" ? args[0].port : args[0];
  if (Number(wanted) === Number(process.env.PORT) && !inspector.url()) {
    inspector.open(Number(port), host, Boolean(brk));
    if (brk) debugger;
  }
  return listen.apply(this, args);
};
EOF
EXPOSE $PORT 9229
CMD ["sh", "-c", "export INSPECT=--inspect=0.0.0.0:9229 NODE_OPTIONS=\"$NODE_OPTIONS --require /opt/inspect.cjs\"; exec ${DEV_APP:-$APP}"]
