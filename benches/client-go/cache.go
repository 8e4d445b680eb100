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
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

const (
	appLabel = "app.kubernetes.io/name"
	byApp    = "app"
)

// form is how objects are held: as the dynamic client has them, or as Go structs.
type form struct {
	name   string
	empty  func() k8sruntime.Object
	list   func() k8sruntime.Object
	append func(list, item k8sruntime.Object)
	decode func(line []byte) (k8sruntime.Object, error)
}

var untyped = form{
	name:  "Unstructured",
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
	name:  "typed Pod",
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

// measureCache lists everything into an informer, then changes objects, then reads by an index and by a selector.
func measureCache(form form, lines [][]byte, size int) error {
	before := live()
	peak := watchPeak()
	source := &source{form: form, lines: lines, events: watch.NewFakeWithChanSize(1024, false)}
	informer := cache.NewSharedIndexInformer(source, form.empty(), 0, cache.Indexers{byApp: indexApp})
	if err := informer.SetTransform(withoutManagedFields); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	begin, processor := time.Now(), processorTime()
	go informer.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return source.failure()
	}
	took, used := time.Since(begin), processorTime()-processor
	top := peak()
	held := live() - before
	row(form.name+": first sync, wall", took)
	row(form.name+": first sync, processor", used)
	row(form.name+": bytes held for each byte of JSON", ratio(held, uint64(size)))
	row(form.name+": peak of the sync for each byte held", ratio(top-before, held))
	if err := measureEvents(form, informer, source, lines); err != nil {
		return err
	}
	return measureLists(form, informer)
}

func withoutManagedFields(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	return object, nil
}

func ratio(of, by uint64) string { return fmt.Sprintf("%.2f", float64(of)/float64(by)) }

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

// measureEvents decodes changed objects from their bytes, as a watch does, and waits until the store has them.
func measureEvents(form form, informer cache.SharedIndexInformer, source *source, lines [][]byte) error {
	const events = 20_000
	processor := processorTime()
	var last metav1.Object
	for i := range events {
		object, err := form.decode(lines[i%len(lines)])
		if err != nil {
			return err
		}
		if last, err = meta.Accessor(object); err != nil {
			return err
		}
		last.SetResourceVersion(strconv.Itoa(10_000_000 + i))
		source.events.Modify(object)
	}
	for informer.LastSyncResourceVersion() != last.GetResourceVersion() {
		time.Sleep(time.Millisecond)
	}
	row(form.name+": processor time of a watch event", (processorTime()-processor)/events)
	return nil
}

func measureLists(form form, informer cache.SharedIndexInformer) error {
	keys := informer.GetIndexer().ListIndexFuncValues(byApp)
	const rounds = 1000
	begin, found := time.Now(), 0
	for i := range rounds {
		objects, err := informer.GetIndexer().ByIndex(byApp, keys[i%len(keys)])
		if err != nil {
			return err
		}
		found += len(objects)
	}
	row(fmt.Sprintf("%s: list of %d by an index", form.name, found/rounds), time.Since(begin)/rounds)
	const scans = 10
	begin = time.Now()
	for i := range scans {
		selector := labels.SelectorFromSet(labels.Set{appLabel: keys[i%len(keys)]})
		if err := cache.ListAll(informer.GetIndexer(), selector, func(any) {}); err != nil {
			return err
		}
	}
	row(form.name+": the same by a label selector (a scan)", time.Since(begin)/scans)
	return nil
}

// source is a server in this process: what it lists is decoded from bytes in pages, as from a connection.
type source struct {
	form   form
	lines  [][]byte
	events *watch.FakeWatcher
	failed atomic.Pointer[error]
}

func (s *source) failure() error {
	if failed := s.failed.Load(); failed != nil {
		return *failed
	}
	return fmt.Errorf("the informer did not sync")
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

func (s *source) Watch(metav1.ListOptions) (watch.Interface, error) { return s.events, nil }

// IsWatchListSemanticsUnSupported makes the reflector list: this source has no initial events.
func (s *source) IsWatchListSemanticsUnSupported() bool { return true }
