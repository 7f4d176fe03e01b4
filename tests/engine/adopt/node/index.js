const { createApp } = require('./lib/app')

const port = process.env.PORT || 3000
createApp().listen(port, () => console.log(`listening on ${port}`))
