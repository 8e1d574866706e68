#!/usr/bin/env node
// What an agent's hook runs: `palimpsest-hook.cjs AGENT EVENT [--store URL]`. It must not break the agent, whatever happens: it exits with 0,
// within a bounded time, and what goes wrong is written to its own log. Committed as it is, in the oldest JavaScript, so that any Node can
// load it and is told here which one is needed.
'use strict'

var fs = require('fs')
var os = require('os')
var path = require('path')

var maxLogBytes = 256 * 1024
var maxTextCharacters = 2000

process.exitCode = 0
process.on('uncaughtException', leave)
process.on('unhandledRejection', leave)
try {
  if (isOldNode()) log({ message: 'palimpsest needs Node.js 22.15 or newer; this is ' + process.versions.node + '.' })
  else require('../dist/hook.cjs').runHook({ words: process.argv.slice(2), log: log, loadEngine: loadEngine })
} catch (error) {
  leave(error)
}

/** The whole program, loaded only where there is something to do; compiled once, as long as this Node and the program stay the same. */
function loadEngine() {
  require('module').enableCompileCache(path.join(baseFolder('XDG_CACHE_HOME', '.cache'), 'palimpsest', 'compiled'))
  return require('../dist/hook-engine.cjs')
}

function isOldNode() {
  var numbers = process.versions.node.split('.').map(Number)
  return numbers[0] < 22 || (numbers[0] === 22 && numbers[1] < 15)
}

function leave(error) {
  log(error)
  process.exit(0)
}

/** Appends a line of JSON to the log of this user alone; of two files of 256 KiB the older one goes. Never throws. */
function log(problem) {
  var folder
  try {
    folder = path.join(baseFolder('XDG_STATE_HOME', path.join('.local', 'state')), 'palimpsest')
    makeFolder(folder)
    append(path.join(folder, 'hook.log'), JSON.stringify(logged(problem)) + '\n')
  } catch (_error) {
    // Nobody is left to be told.
  }
}

function logged(problem) {
  var known = typeof problem === 'object' && problem !== null ? problem : { message: String(problem) }
  var line = { at: new Date().toISOString(), words: process.argv.slice(2, 12).map(cut) }
  if (known.code !== undefined) line.code = cut(known.code)
  line.message = cut(known.message)
  // An error without a code is a fault of the program: where it came from helps.
  if (known.code === undefined && known.stack !== undefined) line.stack = cut(known.stack)
  return line
}

function append(file, text) {
  var flags = fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_WRONLY | (fs.constants.O_NOFOLLOW || 0)
  var handle
  makeRoom(file)
  handle = fs.openSync(file, flags, 384)
  try {
    fs.writeSync(handle, text)
  } finally {
    fs.closeSync(handle)
  }
}

function makeRoom(file) {
  try {
    if (fs.lstatSync(file).size >= maxLogBytes) fs.renameSync(file, file + '.1')
  } catch (_error) {
    // There is none yet.
  }
}

/** A folder of the XDG base directory specification; a relative one counts as unset. */
function baseFolder(name, fallback) {
  var folder = process.env[name]
  return folder !== undefined && path.isAbsolute(folder) ? folder : path.join(os.homedir(), fallback)
}

function makeFolder(folder) {
  if (fs.existsSync(folder)) return
  makeFolder(path.dirname(folder))
  try {
    fs.mkdirSync(folder, 448)
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
}

function cut(value) {
  return String(value).slice(0, maxTextCharacters)
}
