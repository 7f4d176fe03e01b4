const express = require('express')

function createApp () {
  const links = new Map()
  const app = express()
  app.use(express.json())

  app.get('/', (req, res) => res.send(`${links.size} links`))

  app.post('/links', (req, res) => {
    const key = links.size.toString(36)
    links.set(key, req.body.url)
    res.status(201).json({ key })
  })

  app.get('/healthz', (req, res) => res.json({ ok: true }))

  return app
}

module.exports = { createApp }
