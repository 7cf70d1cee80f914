// gorilla/websocket as a counterpart: a server, and a client that goes through all of the plan.
//
//	peer serve MODE       listens, prints its address, serves until it is stopped
//	peer talk URL MODE    talks to a server, prints a report as JSON; the plan is its input
//
// MODE is off or no_takeover: gorilla keeps no window. README.md has what servers and clients do;
// peer.js is the same on Node, scenario.py in Python.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	limit    = 1 << 20
	patience = 20 * time.Second
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// --- What is sent --------------------------------------------------------------------------------

func text(size int) []byte {
	return []byte(strings.Repeat("aé€😀", size/10) + strings.Repeat("x", size%10))
}

func pattern(size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i%256*7 + 3)
	}
	return data
}

func digest(kind int, data []byte) []any {
	names := map[int]string{websocket.TextMessage: "text", websocket.BinaryMessage: "binary"}
	return []any{names[kind], len(data), fmt.Sprintf("%x", sha256.Sum256(data))}
}

// Fragments of the size of the write buffer, and a ping between them if there is one.
func sendFragments(conn *websocket.Conn, data []byte, ping string) {
	writer, err := conn.NextWriter(websocket.TextMessage)
	must(err)
	half := len(data) / 2
	_, err = writer.Write(data[:half])
	must(err)
	if ping != "" {
		must(conn.WriteControl(websocket.PingMessage, []byte(ping), time.Now().Add(patience)))
	}
	_, err = writer.Write(data[half:])
	must(err)
	must(writer.Close())
}

// A close frame as it is asked for, also with a code that may not be sent.
func sendClose(conn *websocket.Conn, code int, reason string) error {
	payload := append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
	return conn.WriteControl(websocket.CloseMessage, payload, time.Now().Add(patience))
}

// Read a message. gorilla's limit is on bytes as they come, so a program that takes compressed
// messages has to measure them itself.
func readMessage(conn *websocket.Conn) (int, []byte, error) {
	kind, data, err := conn.ReadMessage()
	if err == nil && len(data) > limit {
		sendClose(conn, websocket.CloseMessageTooBig, "")
		return kind, nil, websocket.ErrReadLimit
	}
	return kind, data, err
}

// How a connection ended: the code and the reason that came, or those of an error of the peer's.
func ending(conn *websocket.Conn, err error) (int, string) {
	// What was sent last would be lost if all were closed while the other side still sends.
	defer conn.Close()
	conn.UnderlyingConn().(*net.TCPConn).CloseWrite()
	conn.SetReadDeadline(time.Now().Add(patience))
	io.Copy(io.Discard, conn.UnderlyingConn())
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		return closed.Code, closed.Text
	}
	if errors.Is(err, websocket.ErrReadLimit) {
		return websocket.CloseMessageTooBig, ""
	}
	return websocket.CloseProtocolError, err.Error()
}

// --- The server ----------------------------------------------------------------------------------

type server struct {
	upgrader websocket.Upgrader
	lock     sync.Mutex
	ended    []string // of each connection, by its number
}

func (s *server) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	conn, err := s.upgrader.Upgrade(answer, request, nil)
	if err != nil {
		return // the client has been told
	}
	conn.SetReadLimit(limit)
	s.lock.Lock()
	number := len(s.ended)
	s.ended = append(s.ended, "open")
	s.lock.Unlock()
	pong := func(data string) error {
		return conn.WriteMessage(websocket.TextMessage, []byte("pong "+data))
	}
	conn.SetPongHandler(pong)
	for err == nil {
		var kind int
		var data []byte
		kind, data, err = readMessage(conn)
		if err == nil && !(kind == websocket.TextMessage && s.obey(conn, number, string(data))) {
			err = conn.WriteMessage(kind, data)
		}
	}
	code, reason := ending(conn, err)
	s.lock.Lock()
	defer s.lock.Unlock()
	s.ended[number] = fmt.Sprintf("%d %s", code, reason)
}

func (s *server) obey(conn *websocket.Conn, number int, message string) bool {
	command, rest, _ := strings.Cut(message, " ")
	first, reason, _ := strings.Cut(rest, " ")
	value, _ := strconv.Atoi(first)
	say := func(answer string) {
		must(conn.WriteMessage(websocket.TextMessage, []byte(answer)))
	}
	switch command {
	case "who":
		say(strconv.Itoa(number))
	case "ended":
		s.lock.Lock()
		defer s.lock.Unlock()
		say(s.ended[value])
	case "close":
		must(sendClose(conn, value, reason))
	case "fragments":
		sendFragments(conn, text(value), "")
	case "binary":
		conn.WriteMessage(websocket.BinaryMessage, pattern(value)) // it may be cut off
	case "ping":
		must(conn.WriteControl(websocket.PingMessage, []byte(rest), time.Now().Add(patience)))
	default:
		return false
	}
	return true
}

func serve(mode string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Printf("ws://%s\n", listener.Addr())
	upgrader := websocket.Upgrader{WriteBufferSize: 1024, EnableCompression: mode != "off"}
	must(http.Serve(listener, &server{upgrader: upgrader}))
}

// --- The client ----------------------------------------------------------------------------------

type client struct {
	*websocket.Conn
	extensions string
	pings      int
	pong       string
}

func connect(url, mode string) *client {
	dialer := websocket.Dialer{WriteBufferSize: 1024, EnableCompression: mode != "off"}
	conn, response, err := dialer.Dial(url, nil)
	must(err)
	conn.SetReadLimit(limit)
	c := &client{Conn: conn, extensions: response.Header.Get("Sec-WebSocket-Extensions")}
	answer := conn.PingHandler()
	conn.SetPingHandler(func(data string) error {
		c.pings++
		return answer(data)
	})
	conn.SetPongHandler(func(data string) error {
		c.pong = data
		return nil
	})
	return c
}

func (c *client) read() (int, []byte) {
	must(c.SetReadDeadline(time.Now().Add(patience)))
	kind, data, err := c.ReadMessage()
	must(err)
	return kind, data
}

func (c *client) ask(kind int, data []byte) (int, []byte) {
	must(c.WriteMessage(kind, data))
	return c.read()
}

func (c *client) say(format string, values ...any) {
	must(c.WriteMessage(websocket.TextMessage, []byte(fmt.Sprintf(format, values...))))
}

func (c *client) who() int {
	c.say("who")
	_, data := c.read()
	number, err := strconv.Atoi(string(data))
	must(err)
	return number
}

// Read up to the end, and tell how that came.
func (c *client) end() (int, string) {
	must(c.SetReadDeadline(time.Now().Add(patience)))
	for {
		if _, _, err := readMessage(c.Conn); err != nil {
			return ending(c.Conn, err)
		}
	}
}

type plan struct {
	Sizes      []int
	Fragmented int
	Codes      []int
	Forbidden  []int // close codes that may not be sent, and are
}

func messages(url, mode string, plan plan, report map[string]any) {
	c := connect(url, mode)
	var texts, binaries [][]any
	for _, size := range plan.Sizes {
		texts = append(texts, digest(c.ask(websocket.TextMessage, text(size))))
		binaries = append(binaries, digest(c.ask(websocket.BinaryMessage, pattern(size))))
	}
	report["extensions"], report["text"], report["binary"] = c.extensions, texts, binaries
	sendFragments(c.Conn, text(plan.Fragmented), "between")
	report["fragments"] = digest(c.read())
	report["pong"] = c.pong
	c.say("fragments %d", plan.Fragmented)
	report["theirFragments"] = digest(c.read())
	c.say("ping there")
	_, data := c.read()
	report["theirPing"] = string(bytes.TrimSpace(data))
	report["pings"] = c.pings
	must(sendClose(c.Conn, websocket.CloseNormalClosure, ""))
	c.end()
}

func closes(url, mode string, plan plan, report map[string]any) {
	closed := func(code int) []any {
		c := connect(url, mode)
		number := c.who()
		must(sendClose(c.Conn, code, "enough"))
		answer, reason := c.end()
		return []any{number, answer, reason}
	}
	var ours, theirs, forbidden [][]any
	for _, code := range plan.Codes {
		ours = append(ours, closed(code))
		c := connect(url, mode)
		c.say("close %d enough", code)
		answer, reason := c.end()
		theirs = append(theirs, []any{answer, reason})
	}
	for _, code := range plan.Forbidden {
		forbidden = append(forbidden, closed(code))
	}
	report["closes"], report["theirCloses"], report["forbidden"] = ours, theirs, forbidden
}

func limits(url, mode string, report map[string]any) {
	c := connect(url, mode)
	c.WriteMessage(websocket.BinaryMessage, pattern(limit+1)) // it may be cut off
	code, reason := c.end()
	report["tooBigForThem"] = []any{code, reason}
	c = connect(url, mode)
	report["tooBigForUs"] = c.who()
	c.say("binary %d", limit+1)
	c.end()
}

func talk(url, mode string) {
	var plan plan
	must(json.NewDecoder(os.Stdin).Decode(&plan))
	report := map[string]any{}
	messages(url, mode, plan, report)
	closes(url, mode, plan, report)
	limits(url, mode, report)
	must(json.NewEncoder(os.Stdout).Encode(report))
}

func main() {
	if os.Args[1] == "serve" {
		serve(os.Args[2])
	} else {
		talk(os.Args[2], os.Args[3])
	}
}
