package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

const (
	appLabel = "app.kubernetes.io/name"
	byApp    = "app"
	byOwner  = "owner"
	// The version after a relist; later changes count on.
	relisted = 10_000_000
)

// form is how objects are held: as the dynamic client has them, or as Go structs.
type form struct {
	side   string
	empty  func() k8sruntime.Object
	list   func() k8sruntime.Object
	append func(list, item k8sruntime.Object)
	decode func(line []byte) (k8sruntime.Object, error)
}

var untyped = form{
	side:  "client-go",
	empty: func() k8sruntime.Object { return &unstructured.Unstructured{} },
	list:  func() k8sruntime.Object { return &unstructured.UnstructuredList{Object: map[string]any{}} },
	append: func(list, item k8sruntime.Object) {
		all := list.(*unstructured.UnstructuredList)
		all.Items = append(all.Items, *item.(*unstructured.Unstructured))
	},
	decode: func(line []byte) (k8sruntime.Object, error) {
		object := &unstructured.Unstructured{}
		return object, object.UnmarshalJSON(line)
	},
}

var typed = form{
	side:  "client-go-typed",
	empty: func() k8sruntime.Object { return &corev1.Pod{} },
	list:  func() k8sruntime.Object { return &corev1.PodList{} },
	append: func(list, item k8sruntime.Object) {
		all := list.(*corev1.PodList)
		all.Items = append(all.Items, *item.(*corev1.Pod))
	},
	decode: func(line []byte) (k8sruntime.Object, error) {
		object := &corev1.Pod{}
		return object, json.Unmarshal(line, object)
	},
}

// measureForms takes one form after the other; what the first one held is gone when the second begins.
func measureForms(path string) error {
	lines, size, err := readLines(path)
	if err != nil {
		return err
	}
	for _, form := range []form{untyped, typed} {
		if err := measureCache(form, lines, size); err != nil {
			return fmt.Errorf("%s: %w", form.side, err)
		}
	}
	return nil
}

// measureCache lists everything into an informer, lists again, then changes objects, then reads by an index and by a
// selector.
func measureCache(form form, lines [][]byte, size int) error {
	before := live()
	peak := watchPeak()
	source := newSource(form, lines)
	informer := cache.NewSharedIndexInformer(source, form.empty(), 0, cache.Indexers{byApp: indexApp, byOwner: indexOwner})
	if err := informer.SetTransform(withoutManagedFields); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	begin, processor := time.Now(), processorTime()
	go informer.RunWithContext(ctx)
	for !informer.HasSynced() {
		if failed := source.failed.Load(); failed != nil {
			return *failed // The informer itself would try again for ever.
		}
		time.Sleep(time.Millisecond)
	}
	took, used := time.Since(begin), processorTime()-processor
	top := peak()
	held := live() - before
	figure(form.side, "cache.first", took.Seconds(), "s")
	figure(form.side, "cache.first_cpu", used.Seconds(), "s")
	figure(form.side, "cache.held", ratio(held, uint64(size)), "x")
	figure(form.side, "cache.first_peak", ratio(top-before, held), "x")
	if err := measureRelist(form, informer, source, before, size); err != nil {
		return err
	}
	if err := measureEvents(form, informer, source, lines); err != nil {
		return err
	}
	return measureLists(form, informer)
}

// measureRelist ends the watch so that the informer lists anew, after a backoff in which it does nothing.
func measureRelist(form form, informer cache.SharedIndexInformer, source *source, before uint64, size int) error {
	peak := watchPeak()
	processor := processorTime()
	source.current().Error(&apierrors.NewResourceExpired("too old resource version").ErrStatus)
	source.next()
	// What comes after the list in the informer's queue is seen once the list has been laid.
	last, err := form.decode(source.lines[0])
	if err != nil {
		return err
	}
	if err := source.modify(last, relisted); err != nil {
		return err
	}
	if err := waitUntilHeld(informer, last); err != nil {
		return err
	}
	figure(form.side, "cache.relist_cpu", (processorTime() - processor).Seconds(), "s")
	figure(form.side, "cache.relist_peak", ratio(peak()-before, uint64(size)), "x")
	return nil
}

// waitUntilHeld waits until the store, not only the reflector, has this version of an object.
func waitUntilHeld(informer cache.SharedIndexInformer, object k8sruntime.Object) error {
	wanted, err := meta.Accessor(object)
	if err != nil {
		return err
	}
	for {
		held, exists, err := informer.GetIndexer().Get(object)
		if err != nil {
			return err
		}
		if exists {
			has, err := meta.Accessor(held)
			if err != nil {
				return err
			}
			if has.GetResourceVersion() == wanted.GetResourceVersion() {
				return nil
			}
		}
		time.Sleep(time.Millisecond)
	}
}

func withoutManagedFields(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	return object, nil
}

func ratio(of, by uint64) float64 { return float64(of) / float64(by) }

// watchPeak looks at the heap now and then and gives the most it saw.
func watchPeak() func() uint64 {
	var top atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			top.Store(max(top.Load(), stats.HeapAlloc))
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-stopped
		return top.Load()
	}
}

func indexApp(object any) ([]string, error) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return nil, err
	}
	return []string{accessor.GetLabels()[appLabel]}, nil
}

func indexOwner(object any) ([]string, error) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return nil, err
	}
	var owners []string
	for _, owner := range accessor.GetOwnerReferences() {
		owners = append(owners, string(owner.UID))
	}
	return owners, nil
}

// measureEvents decodes changed objects from their bytes, as a watch does, and waits until the store has them.
func measureEvents(form form, informer cache.SharedIndexInformer, source *source, lines [][]byte) error {
	const events = 20_000
	processor := processorTime()
	var last k8sruntime.Object
	for i := range events {
		object, err := form.decode(lines[i%len(lines)])
		if err != nil {
			return err
		}
		if err := source.modify(object, relisted+1+i); err != nil {
			return err
		}
		last = object
	}
	if err := waitUntilHeld(informer, last); err != nil {
		return err
	}
	figure(form.side, "cache.event", (processorTime()-processor).Seconds()*1e6/events, "us")
	return nil
}

// measureLists reads by indexes that have been declared for it; without one it would be a scan.
func measureLists(form form, informer cache.SharedIndexInformer) error {
	for _, index := range []struct{ name, figure string }{{byApp, "cache.by_label"}, {byOwner, "cache.by_owner"}} {
		keys := informer.GetIndexer().ListIndexFuncValues(index.name)
		const rounds = 1000
		begin, found := time.Now(), 0
		for i := range rounds {
			objects, err := informer.GetIndexer().ByIndex(index.name, keys[i%len(keys)])
			if err != nil {
				return err
			}
			found += len(objects)
		}
		took := time.Since(begin)
		if found != rounds*100 {
			return fmt.Errorf("%d lists by %s found %d objects", rounds, index.name, found)
		}
		figure(form.side, index.figure, took.Seconds()*1e6/rounds, "us")
	}
	return nil
}

// source is a server in this process: what it lists is decoded from bytes in pages, as from a connection.
type source struct {
	form    form
	lines   [][]byte
	watches chan *watch.FakeWatcher
	open    *watch.FakeWatcher
	failed  atomic.Pointer[error]
}

func newSource(form form, lines [][]byte) *source {
	return &source{form: form, lines: lines, watches: make(chan *watch.FakeWatcher)}
}

// current is the open watch; the informer opens it after its first list.
func (s *source) current() *watch.FakeWatcher {
	if s.open == nil {
		s.next()
	}
	return s.open
}

// next waits for the watch that follows.
func (s *source) next() { s.open = <-s.watches }

func (s *source) modify(object k8sruntime.Object, version int) error {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return err
	}
	accessor.SetResourceVersion(strconv.Itoa(version))
	s.current().Modify(object)
	return nil
}

func (s *source) List(options metav1.ListOptions) (k8sruntime.Object, error) {
	from := 0
	if options.Continue != "" {
		var err error
		if from, err = strconv.Atoi(options.Continue); err != nil {
			return nil, err
		}
	}
	to := len(s.lines)
	if options.Limit > 0 {
		to = min(to, from+int(options.Limit))
	}
	list := s.form.list()
	for _, line := range s.lines[from:to] {
		object, err := s.form.decode(line)
		if err != nil {
			s.failed.Store(&err)
			return nil, err
		}
		s.form.append(list, object)
	}
	accessor, err := meta.ListAccessor(list)
	if err != nil {
		return nil, err
	}
	accessor.SetResourceVersion("1000000")
	if to < len(s.lines) {
		accessor.SetContinue(strconv.Itoa(to))
	}
	return list, nil
}

func (s *source) Watch(metav1.ListOptions) (watch.Interface, error) {
	events := watch.NewFakeWithChanSize(1024, false)
	s.watches <- events
	return events, nil
}

// IsWatchListSemanticsUnSupported makes the reflector list: this source has no initial events.
func (s *source) IsWatchListSemanticsUnSupported() bool { return true }
