package cluster

// store is the object store: it can be away, refuse, answer late, or do what it
// was asked to and lose the answer.
type store struct {
	w       *world
	objects map[string]*object
	pending []*put
	down    bool
}

// object is what an upload wrote.
type object struct {
	records []entry
}

// put is one under way. answer is nil once nobody waits for it.
type put struct {
	key    string
	object *object
	proc   *proc
	answer func(ok bool)
}

func (s *store) put(p *proc, key string, o *object, answer func(ok bool)) {
	s.pending = append(s.pending, &put{key, o, p, answer})
}

// step decides about one put.
func (s *store) step() {
	if len(s.pending) == 0 {
		return
	}
	i := s.w.rng.IntN(len(s.pending))
	x := s.pending[i]
	fate := s.w.rng.IntN(100)
	if s.w.calm {
		fate = 99
	}
	switch {
	case fate < 8 && x.answer != nil: // a time-out: it may still be carried out
		s.w.say("put %s times out", x.key)
		s.w.saw(evPutTimedOut)
		x.tell(false)
		return
	case s.down && fate < 50:
		return
	case s.down || fate < 16: // 500
		s.w.say("put %s fails", x.key)
		s.w.saw(evPutFailed)
		x.tell(false)
	case fate < 24: // done, and the answer is lost
		s.w.say("put %s done, answer lost", x.key)
		s.w.saw(evPutAnswerLost)
		s.objects[x.key] = x.object
		x.tell(false)
	default:
		s.w.saw(evPut)
		if x.answer == nil {
			s.w.saw(evPutAfterTimeOut)
		}
		s.objects[x.key] = x.object
		x.tell(true)
	}
	last := len(s.pending) - 1
	s.pending[i] = s.pending[last]
	s.pending = s.pending[:last]
}

// tell answers once, if the asker is still there. A paused one finds the
// answer when it goes on.
func (x *put) tell(ok bool) {
	if x.answer == nil {
		return
	}
	answer := x.answer
	x.answer = nil
	if x.proc.state != dead {
		answer(ok)
	}
}

// get reads an object. ok is false when the store does not answer.
func (s *store) get(key string) (o *object, ok bool) {
	if s.down || !s.w.calm && s.w.chance(20) {
		s.w.saw(evGetFailed)
		return nil, false
	}
	return s.objects[key], true
}
