const assert = require('node:assert')
const { test } = require('node:test')

const { createApp } = require('../lib/app')

test('links are counted', async () => {
  const server = createApp().listen(0)
  const url = `http://127.0.0.1:${server.address().port}`
  const headers = { 'content-type': 'application/json' }
  const made = await fetch(`${url}/links`, { method: 'POST', headers, body: '{"url": "https://example.com"}' })
  assert.equal(made.status, 201)
  assert.match(await (await fetch(url)).text(), /^1 /)
  server.close()
})
