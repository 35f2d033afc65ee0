# The network add-on gives pods addresses of the VPC:
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEKS_CNI_Policy.html
data "aws_iam_policy_document" "network" {
  #checkov:skip=CKV_AWS_356:describing networks knows no resource; see the statement
  # Describe calls know no resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
  statement {
    sid       = "See"
    actions   = ["ec2:DescribeInstances", "ec2:DescribeInstanceTypes", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeTags"]
    resources = ["*"]
  }

  statement {
    sid = "Addresses"
    actions = [
      "ec2:AssignPrivateIpAddresses", "ec2:AttachNetworkInterface", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
      "ec2:DetachNetworkInterface", "ec2:ModifyNetworkInterfaceAttribute", "ec2:UnassignPrivateIpAddresses",
    ]
    resources = [for kind in ["network-interface", "instance", "security-group", "subnet"] : "${local.ec2}:${kind}/*"]
  }

  statement {
    sid       = "TagAddresses"
    actions   = ["ec2:CreateTags"]
    resources = ["${local.ec2}:network-interface/*"]
  }
}

locals {
  ec2 = "arn:${var.place.partition}:ec2:${var.place.region}:${var.place.account}"
  elb = "arn:${var.place.partition}:elasticloadbalancing:${var.place.region}:${var.place.account}"
}

# Adds nodes when pods wait, and takes them away again; only groups of this cluster.
data "aws_iam_policy_document" "autoscaler" {
  #checkov:skip=CKV_AWS_356:describing groups and instance types knows no resource; see the statement
  # Describe calls know no resource:
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2autoscaling.html
  statement {
    sid = "See"
    actions = [
      "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeLaunchConfigurations",
      "autoscaling:DescribeScalingActivities", "autoscaling:DescribeTags", "ec2:DescribeImages", "ec2:DescribeInstanceTypes",
      "ec2:DescribeLaunchTemplateVersions", "ec2:GetInstanceTypesFromInstanceRequirements",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "SeeGroups"
    actions   = ["eks:DescribeNodegroup"]
    resources = ["${local.arn_prefix["eks"]}:nodegroup/${var.cluster_name}/*"]
  }

  statement {
    sid       = "Resize"
    actions   = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
    resources = ["arn:${var.place.partition}:autoscaling:${var.place.region}:${var.place.account}:autoScalingGroup:*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/eks:cluster-name"
      values   = [var.cluster_name]
    }
  }
}

# Writes logs of pods and nodes, and metrics:
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/CloudWatchAgentServerPolicy.html
data "aws_iam_policy_document" "agent" {
  #checkov:skip=CKV_AWS_356:PutMetricData and describing instances know no resource; see the statements
  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents", "logs:PutRetentionPolicy"]
    resources = ["${local.arn_prefix["logs"]}:log-group:/aws/containerinsights/${var.cluster_name}/*", "${local.arn_prefix["logs"]}:log-group:/${var.name}/*"]
  }

  # PutMetricData knows no resource; the namespace bounds it instead:
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
  statement {
    sid       = "Metrics"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = ["ContainerInsights", var.metric_namespace]
    }
  }

  # Describe calls know no resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
  statement {
    sid       = "SeeInstance"
    actions   = ["ec2:DescribeInstances", "ec2:DescribeTags", "ec2:DescribeVolumes"]
    resources = ["*"]
  }
}

# Makes the load balancer that an ingress asks for. What it makes it tags with the cluster's name, and it changes only
# what carries that tag: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/installation/
data "aws_iam_policy_document" "load_balancer" {
  #checkov:skip=CKV_AWS_356:describing load balancers, networks and certificates knows no resource; see the statement
  # Describe and List calls know no resource:
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
  statement {
    sid = "See"
    actions = [
      "acm:DescribeCertificate", "acm:ListCertificates", "ec2:DescribeAvailabilityZones", "ec2:DescribeInstances",
      "ec2:DescribeInternetGateways", "ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups",
      "ec2:DescribeSubnets", "ec2:DescribeTags", "ec2:DescribeVpcs", "ec2:GetSecurityGroupsForVpc",
      "elasticloadbalancing:DescribeListenerAttributes", "elasticloadbalancing:DescribeListenerCertificates",
      "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeLoadBalancerAttributes",
      "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeRules",
      "elasticloadbalancing:DescribeTags", "elasticloadbalancing:DescribeTargetGroupAttributes",
      "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
    ]
    resources = ["*"]
  }

  statement {
    sid = "MakeLoadBalancers"
    actions = [
      "elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup",
      "elasticloadbalancing:CreateListener", "elasticloadbalancing:CreateRule", "elasticloadbalancing:AddTags",
    ]
    resources = [for kind in ["loadbalancer/app", "targetgroup", "listener/app", "listener-rule/app"] : "${local.elb}:${kind}/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/elbv2.k8s.aws/cluster"
      values   = [var.cluster_name]
    }
  }

  statement {
    sid = "ChangeItsLoadBalancers"
    actions = [
      "elasticloadbalancing:AddListenerCertificates", "elasticloadbalancing:AddTags", "elasticloadbalancing:CreateListener",
      "elasticloadbalancing:CreateRule", "elasticloadbalancing:DeleteListener", "elasticloadbalancing:DeleteLoadBalancer",
      "elasticloadbalancing:DeleteRule", "elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:DeregisterTargets",
      "elasticloadbalancing:ModifyListener", "elasticloadbalancing:ModifyListenerAttributes",
      "elasticloadbalancing:ModifyLoadBalancerAttributes", "elasticloadbalancing:ModifyRule",
      "elasticloadbalancing:ModifyTargetGroup", "elasticloadbalancing:ModifyTargetGroupAttributes",
      "elasticloadbalancing:RegisterTargets", "elasticloadbalancing:RemoveListenerCertificates",
      "elasticloadbalancing:RemoveTags", "elasticloadbalancing:SetIpAddressType", "elasticloadbalancing:SetSecurityGroups",
      "elasticloadbalancing:SetSubnets",
    ]
    resources = [for kind in ["loadbalancer/app", "targetgroup", "listener/app", "listener-rule/app"] : "${local.elb}:${kind}/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/elbv2.k8s.aws/cluster"
      values   = [var.cluster_name]
    }
  }

  statement {
    sid       = "MakeSecurityGroups"
    actions   = ["ec2:CreateSecurityGroup", "ec2:CreateTags"]
    resources = ["${local.ec2}:security-group/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/elbv2.k8s.aws/cluster"
      values   = [var.cluster_name]
    }
  }

  statement {
    sid       = "MakeSecurityGroupsHere"
    actions   = ["ec2:CreateSecurityGroup"]
    resources = ["${local.ec2}:vpc/${var.vpc_id}"]
  }

  statement {
    sid = "ChangeItsSecurityGroups"
    actions = [
      "ec2:AuthorizeSecurityGroupIngress", "ec2:CreateTags", "ec2:DeleteSecurityGroup", "ec2:DeleteTags",
      "ec2:RevokeSecurityGroupIngress",
    ]
    resources = ["${local.ec2}:security-group/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/elbv2.k8s.aws/cluster"
      values   = [var.cluster_name]
    }
  }

  # The load balancer must reach the pods: it opens their ports in the group that EKS made for the nodes.
  statement {
    sid       = "OpenNodes"
    actions   = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
    resources = ["${local.ec2}:security-group/${var.nodes_security_group_id}"]
  }

  statement {
    sid       = "ServiceLinkedRole"
    actions   = ["iam:CreateServiceLinkedRole"]
    resources = ["arn:${var.place.partition}:iam::${var.place.account}:role/aws-service-role/elasticloadbalancing.amazonaws.com/*"]

    condition {
      test     = "StringEquals"
      variable = "iam:AWSServiceName"
      values   = ["elasticloadbalancing.amazonaws.com"]
    }
  }
}
