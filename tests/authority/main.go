// Command authority answers what the real RBAC authorizer of Kubernetes says of requests under sets of rules.
//
// Standard input is JSON lines: first one line of cells, then one line per set of rules. A cell is a request as the
// host would send it (method and URL), or, for verbs that no call of the host has, its attributes. For each set, one
// line goes to standard output: its name and a bit per cell (1: allowed), as hexadecimal digits, first cell highest.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/request"
	rbacregistry "k8s.io/kubernetes/pkg/registry/rbac/validation"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
)

// Cell is one request.
type Cell struct {
	Method, URL                                         string
	Verb, Group, Resource, Subresource, Namespace, Name string
}

// Rule is an RBAC rule and where it holds: in these namespaces, or (none) everywhere and in the cluster.
type Rule struct {
	rbacv1.PolicyRule
	Namespaces []string
}

// Set is the rules of one subject.
type Set struct {
	Name  string
	Rules []Rule
}

const subject = "module"

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<30)
	var cells []Cell
	next(in, &cells)
	requests := make([]authorizer.AttributesRecord, len(cells))
	for i, cell := range cells {
		requests[i] = attributes(cell)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		var set Set
		parse(in.Bytes(), &set)
		fmt.Fprintf(out, "%s %s\n", set.Name, verdicts(set, requests))
	}
	if err := in.Err(); err != nil {
		log.Fatal(err)
	}
}

func next(in *bufio.Scanner, into any) {
	if !in.Scan() {
		log.Fatalf("a line is missing: %v", in.Err())
	}
	parse(in.Bytes(), into)
}

func parse(line []byte, into any) {
	if err := json.Unmarshal(line, into); err != nil {
		log.Fatalf("%v in %.200s", err, line)
	}
}

// attributes are read from a request as the server's own filters read them.
func attributes(cell Cell) authorizer.AttributesRecord {
	who := &user.DefaultInfo{Name: subject}
	if cell.URL == "" {
		return authorizer.AttributesRecord{
			User: who, Verb: cell.Verb, APIGroup: cell.Group, APIVersion: "v1", Resource: cell.Resource,
			Subresource: cell.Subresource, Namespace: cell.Namespace, Name: cell.Name, ResourceRequest: true,
		}
	}
	req, err := http.NewRequest(cell.Method, cell.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	factory := request.RequestInfoFactory{
		APIPrefixes:          sets.NewString("api", "apis"),
		GrouplessAPIPrefixes: sets.NewString("api"),
	}
	info, err := factory.NewRequestInfo(req)
	if err != nil {
		log.Fatalf("%s %s: %v", cell.Method, cell.URL, err)
	}
	ctx := request.WithUser(request.WithRequestInfo(context.Background(), info), who)
	read, err := filters.GetAuthorizerAttributes(ctx)
	if err != nil {
		log.Fatalf("%s %s: %v", cell.Method, cell.URL, err)
	}
	return authorizer.AttributesRecord{
		User: who, Verb: read.GetVerb(), APIGroup: read.GetAPIGroup(), APIVersion: read.GetAPIVersion(),
		Resource: read.GetResource(), Subresource: read.GetSubresource(), Namespace: read.GetNamespace(),
		Name: read.GetName(), ResourceRequest: read.IsResourceRequest(), Path: read.GetPath(),
	}
}

func verdicts(set Set, requests []authorizer.AttributesRecord) string {
	judge := judge(set)
	digits := make([]byte, (len(requests)+3)/4)
	for i, asked := range requests {
		decision, _, err := judge.Authorize(context.Background(), asked)
		if err != nil {
			log.Fatal(err)
		}
		if decision == authorizer.DecisionAllow {
			digits[i/4] |= 8 >> (i % 4)
		}
	}
	for i, digit := range digits {
		digits[i] = "0123456789abcdef"[digit]
	}
	return string(digits)
}

// judge makes a role and its binding of each rule in each place.
func judge(set Set) *rbac.RBACAuthorizer {
	var (
		roles           []*rbacv1.Role
		roleBindings    []*rbacv1.RoleBinding
		clusterRoles    []*rbacv1.ClusterRole
		clusterBindings []*rbacv1.ClusterRoleBinding
	)
	who := []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: subject}}
	for i, rule := range set.Rules {
		meta := metav1.ObjectMeta{Name: fmt.Sprintf("rule-%d", i)}
		rules := []rbacv1.PolicyRule{rule.PolicyRule}
		if len(rule.Namespaces) == 0 {
			to := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: meta.Name}
			clusterRoles = append(clusterRoles, &rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules})
			clusterBindings = append(clusterBindings, &rbacv1.ClusterRoleBinding{ObjectMeta: meta, Subjects: who, RoleRef: to})
		}
		for _, namespace := range rule.Namespaces {
			meta.Namespace = namespace
			to := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name}
			roles = append(roles, &rbacv1.Role{ObjectMeta: meta, Rules: rules})
			roleBindings = append(roleBindings, &rbacv1.RoleBinding{ObjectMeta: meta, Subjects: who, RoleRef: to})
		}
	}
	_, static := rbacregistry.NewTestRuleResolver(roles, roleBindings, clusterRoles, clusterBindings)
	return rbac.New(static, static, static, static)
}
